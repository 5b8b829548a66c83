"""What people have (pages, office files, tables, folders) → texts to score."""
