"""Speech emotion recognition as a data asset platform, judged on speakers that the models have never heard."""
