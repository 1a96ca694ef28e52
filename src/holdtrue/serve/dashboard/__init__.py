"""The dashboard: one page that shows sessions as they happen, token by token, and switches their hold."""

from holdtrue.serve.dashboard.routes import routes

__all__ = ["routes"]
