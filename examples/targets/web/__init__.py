"""The HTTP side of the demo servers: messages, routes and the ASGI application around them."""

from examples.targets.web.messages import Refusal, Request, Response, json_response
from examples.targets.web.routing import Application, Handler, Route

__all__ = ["Application", "Handler", "Refusal", "Request", "Response", "Route", "json_response"]
