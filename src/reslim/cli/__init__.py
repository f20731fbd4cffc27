"""The command line: `reslim predict | simulate | compare | critical | demo`."""
