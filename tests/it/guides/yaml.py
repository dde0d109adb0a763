"""Prints a YAML document as JSON."""

import json
import sys

import yaml

print(json.dumps(yaml.safe_load(sys.argv[1])))
