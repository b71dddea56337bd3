"""The neural networks: architectures in Keras, training, and export to ONNX."""
