"""What helps a person to write a source YAML: a preview, a proposal, and a schema for editors; nothing is landed."""
