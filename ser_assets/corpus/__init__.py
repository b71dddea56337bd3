"""What a take is and where takes come from."""
