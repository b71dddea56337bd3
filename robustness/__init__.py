"""Commands that try to break the platform on real recordings: fuzzed files, killed runs, full disks, damage."""
