"""Service items (政务服务事项) of this district, and copies of what its peers offer across provinces."""
