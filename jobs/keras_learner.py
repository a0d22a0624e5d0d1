"""A compiled Keras model as training.fit wants what it trains: a step at a time, all its state to be kept."""

import numpy as np


class KerasLearner:
    """Any compiled model; layers with a state, such as a stateful LSTM, begin anew with each epoch."""

    engine = "keras"

    def __init__(self, model):
        self.model = model

    def begin_epoch(self):
        """Forget what was read in the epoch before."""
        for layer in self.model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    def learn(self, inputs, targets):
        """Make one step; return the loss that it began with."""
        return float(self.model.train_on_batch(inputs, targets))

    @property
    def weights(self):
        """What is learnt, as arrays in Keras' order."""
        return [variable.numpy() for variable in self.model.trainable_variables]

    def use(self, weights):
        """Go on with these, in the same order."""
        for variable, array in zip(self.model.trainable_variables, weights, strict=True):
            variable.assign(array)

    def arrays(self):
        """All that the next step depends on: weights, random seeds, the optimizer's moments, LSTM states."""
        return [variable.numpy() for variable in self._variables()]

    def restore(self, arrays):
        """Go on from what arrays() once returned. Raises ValueError when it is of another model."""
        variables = self._variables()
        if [np.shape(array) for array in arrays] != [tuple(variable.shape) for variable in variables]:
            raise ValueError("Expected arrays of this model.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def _variables(self):
        """With the states of stateful layers, which Keras does not list among the model's variables."""
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        states = [state for layer in self.model.layers for state in getattr(layer, "states", None) or []]
        return self.model.variables + self.model.optimizer.variables + states
