"""The auditors' pages: what came in night by night, where it went and which rule said so, in English and Chinese."""
