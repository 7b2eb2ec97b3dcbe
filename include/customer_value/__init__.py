"""What a customer is worth: statistics of orders and contracts as plain functions on arrays."""
