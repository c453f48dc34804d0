"""Programs that make the picture and the tables of the documents."""
