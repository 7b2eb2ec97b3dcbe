"""Gate: GX judges every row; each ends in clean or in quarantine, and the ledger says so."""
