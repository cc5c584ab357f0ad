"""The product's version, as shown to people and told to webhook receivers."""

VERSION = "0.1.0"
