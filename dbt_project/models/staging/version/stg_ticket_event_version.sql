{{ staged_versions('ticket_event') }}
