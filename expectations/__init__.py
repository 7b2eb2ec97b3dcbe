"""What is fit to count."""
