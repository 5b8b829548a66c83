"""The HTTP server, behind the extra `certainty[server]`; `app.create_app` puts it together."""
