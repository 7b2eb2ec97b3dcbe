"""The warehouse: from the ledger to a published file that readers may open at any moment."""
