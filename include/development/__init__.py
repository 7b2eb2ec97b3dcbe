"""Daily tools of analysts and maintainers; nothing here runs in the nightly."""
