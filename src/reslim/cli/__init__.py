"""The command line: `reslim predict | simulate | compare | critical | sweep | gallery | demo`."""
