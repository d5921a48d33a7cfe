"""The LoadTest for the API server and for editors: schemas generated from the models.

structural  models -> structural schema
rules       cross-field rules in CEL
resource    the CustomResourceDefinition
editor      a JSON schema for editors
"""

from kload_spec.crd.editor import editor_schema
from kload_spec.crd.resource import COLUMNS, custom_resource_definition

__all__ = ["COLUMNS", "custom_resource_definition", "editor_schema"]
