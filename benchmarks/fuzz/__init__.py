"""Coverage-guided fuzzing with atheris: `python -m benchmarks.fuzz`, with the dependency group `fuzz`."""
