class Net(Module):
  __parameters__ = []
  training : bool
  mode : Final[str] = "sa" "v\145"
  def forward(self: __torch__.nets.Net, x: Tensor,
    y: int=3) -> Dict[str, List[Tensor]]:
    if torch.gt(y, 2) and not self.training:
      z = (torch.add(x, -y * 2 ** 3)).relu()
    elif y in [1, 2]:
      z = x[0:y] if y else {"a": x}["a"]
    else:
      z = ops.prim.rpc_sync(x, getattr(torch, "save")(x, 'f'))
    return annotate(Dict[str, List[Tensor]], {"z": [z]})  # done
