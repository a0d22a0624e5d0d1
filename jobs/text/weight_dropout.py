"""An LSTM that leaves out recurrent weights while it learns, other ones at each step; what it leaves behind is stock.

Source: Merity et al., Regularizing and Optimizing LSTM Language Models, arXiv:1708.02182. Unlike Keras' own
recurrent_dropout it leaves the loop over time alone, so that a GPU can use cuDNN's.
"""

import keras


class WeightDropoutLSTM(keras.layers.LSTM):
    """keras.layers.LSTM with weight_dropout: the share of the recurrent kernel that is zero in a training step."""

    def __init__(self, units, weight_dropout=0.0, **options):
        super().__init__(units, **options)
        self.weight_dropout = weight_dropout
        self.weight_seed = keras.random.SeedGenerator()

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """As in keras.layers.LSTM, with the thinned kernel in place of the whole one."""
        whole = self.cell.recurrent_kernel
        if training and self.weight_dropout:
            self.cell.recurrent_kernel = keras.random.dropout(whole, self.weight_dropout, seed=self.weight_seed)
        try:
            return super().inner_loop(sequences, initial_state, mask, training)
        finally:
            self.cell.recurrent_kernel = whole


def lstm(params, units, stateful):
    """An LSTM layer that returns every output: ours for a network in training, a stateful one, else the stock one."""
    if stateful:
        return WeightDropoutLSTM(units, params.weight_dropout, return_sequences=True, stateful=True)
    return keras.layers.LSTM(units, return_sequences=True)
