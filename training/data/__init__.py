"""Our labels and authored sentences, and the program that joins the labels with the text of public corpora."""
