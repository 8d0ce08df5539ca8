"""The cloud hotline (云客服, 12345): tickets opened here, answered here or in the district they belong to."""
