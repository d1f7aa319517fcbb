"""How the reader's models are made: data, noise, network, pre-training, training, calibration, export."""
