"""The HTTP server, behind the extra `certainty-fr[server]`; `app.create_app` puts it together."""
