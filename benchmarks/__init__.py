"""What a sample costs, ours and others': `python -m benchmarks.run` writes RESULTS.md, results.json and growth.png."""
