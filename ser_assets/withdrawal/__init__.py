"""What happens when recordings leave the corpus: all traces of their takes are removed."""
