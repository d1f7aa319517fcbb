"""Speech to text: the engine that hears, and the training of the small model that comes with zhijian."""
