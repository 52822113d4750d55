"""What is printed: the documents of a matter, and the lists of all matters of a period; as page, PDF and workbook."""
