"""The command line: `reslim predict | simulate | compare | demo`."""
