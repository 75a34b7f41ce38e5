"""Schemas into the functions that the API asks for."""

import sys


def generate_arguments(schema):
    def arguments_function():
        return schema().fields

    return arguments_function


def predict_arguments(schema):
    def inject_function_schema(func):
        sys.modules[func.__module__].get_predict_args = generate_arguments(schema)
        return func

    return inject_function_schema


def train_arguments(schema):
    def inject_function_schema(func):
        sys.modules[func.__module__].get_train_args = generate_arguments(schema)
        return func

    return inject_function_schema
