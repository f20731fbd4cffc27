"""The command line: `reslim predict | simulate | compare | critical | sweep | train | gallery | demo`."""
