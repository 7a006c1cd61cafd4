"""Several specialists of one base as one (`selfspec compose`): made, and measured."""
