"""From a number on a page to the rows that it came from: definition, fact rows, records, batch, file and line."""
