"""Speaker normalisation: profiles of a speaker from unlabelled clips, and a model's bias for a speaker."""
