"""What the pipeline costs beside hand-written SQL that gives the same, measured in one run."""
