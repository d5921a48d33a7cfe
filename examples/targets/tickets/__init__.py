"""The ticket shop of a nightclub: what Supabase edge functions, PostgREST and Stripe would be in production.

checkout   POST /functions/v1/create-checkout-session
webhook    POST /functions/v1/stripe-webhook
scanning   POST /rest/v1/rpc/scan_ticket
tables     GET /rest/v1/{events,orders,tickets,scans,webhook_events}, with PostgREST's filters
reports    GET /rest/v1/rpc/{sales_summary,integrity_report}
"""

from examples.targets.tickets.shop import SHOP

__all__ = ["SHOP"]
