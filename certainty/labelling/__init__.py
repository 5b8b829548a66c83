"""Create labelled data: export to and import from annotation tools, agreement, suggestions and likely label errors."""
