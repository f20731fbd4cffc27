"""The command line: `reslim predict | simulate | compare | sweep | demo`."""
