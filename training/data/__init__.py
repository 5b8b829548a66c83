"""Our labels and authored sentences, and how they join the text of public corpora."""
