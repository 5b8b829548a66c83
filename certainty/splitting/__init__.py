"""Split text into sentences in two steps: first into blocks of lines, then each block at its stops."""
