"""One reader per kind of file; `include.sources.file_reader` puts what they read together."""
