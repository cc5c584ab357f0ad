"""The verbs of the product. They take and return models or dataclasses; they flush and never
commit: a caller opens `transaction()` around what belongs together."""
