"""Read texts to score from web pages, office files, tables and folders."""
