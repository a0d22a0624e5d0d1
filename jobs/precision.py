"""Half precision where the hardware is made for it: NVIDIA's tensor cores, from compute capability 7.0 (V100) on."""

CAPABILITY = (7, 0)


def use(name):
    """Set Keras' policy for the layers made from now on, and return its name. name: "auto", or the policy itself."""
    import keras

    chosen = suitable(capabilities()) if name == "auto" else name
    keras.mixed_precision.set_dtype_policy(chosen)
    return chosen


def capabilities():
    """The compute capability of each GPU, as (major, minor)."""
    import tensorflow as tf

    details = (tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU"))
    return [detail.get("compute_capability", (0, 0)) for detail in details]


def suitable(found):
    """The policy for GPUs of these compute capabilities: half precision only if every one of them gains by it."""
    return "mixed_float16" if found and min(found) >= CAPABILITY else "float32"
