"""The programs that make our encoders, teachers, data and experiments; they are not part of the package."""
