"""The item side of DSKReG as a PyTorch Geometric layer: one message per picked edge (paper, section 3.3).

    alpha_ij   = y_ij exp(e_hat_u . e_r(ij)) / sum_j' y_ij' exp(e_hat_u . e_r(ij'))     j: picks of i
    e_hat_i|u  = act(W_i (e_i + sum_j alpha_ij e_j) + b_i)

The model scores whole catalogues through the factorised `dskreg.model.aggregation` and never imports this
module (torch_geometric takes seconds to import). The layer computes the same from an explicit edge list for
one user: it reads like the paper, it is the part to build on in PyTorch Geometric, and tests compare the
fast path with it. Letters: N items, E picked edges, R relations, D width, S slots.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import softmax

from dskreg.model.aggregation import ItemHop
from dskreg.model.dskreg import DSKReG


class PreferenceConv(MessagePassing):
    """Preference-aware aggregation of picked neighbours, for one user."""

    def __init__(self, tower: nn.Linear, relation_embedding: Tensor) -> None:
        """Args:
        tower: W_i and b_i, `[D, D]` and `[D]`.
        relation_embedding: e_r, `[R, D]`.
        """
        super().__init__(aggr="add")
        self.tower, self.relation_embedding = tower, relation_embedding

    @classmethod
    def of(cls, model: DSKReG) -> PreferenceConv:
        """The layer with the weights of `model`, shared; of the paper's form alone."""
        assert model.relation_embedding is not None
        return cls(model.item_tower, model.relation_embedding)

    def forward(
        self, x: Tensor, edge_index: Tensor, relation: Tensor, user: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """The items as the user sees them, e_hat_i|u `[N, D]`.

        Args:
            x: e_i, `[N, D]`.
            edge_index: `[2, E]`, from the picked neighbour to the item.
            relation: `[E]` the relation of each edge.
            user: e_hat_u, `[D]`.
            weight: y, `[E]` above 0, the edges' weights in a relaxed draw; None: 1.
        """
        preference = self.relation_embedding[relation] @ user  # [E]
        if weight is not None:
            preference = preference + weight.log()
        alpha = softmax(preference, edge_index[1], num_nodes=len(x))  # an item without picks keeps the sum 0
        return torch.tanh(self.tower(x + self.propagate(edge_index, x=x, alpha=alpha)))

    def message(self, x_j: Tensor, alpha: Tensor) -> Tensor:
        """alpha_ij e_j `[E, D]`."""
        return alpha[:, None] * x_j


def picked_edges(hop: ItemHop, items: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What carries weight in the draw of `items` `[N]` as an edge list: `edge_index` `[2, E]`, `relation`
    `[E]`, `weight` `[E]`.
    """
    carries = hop.draw.weight > 0  # [N, S]
    title = items[:, None].expand_as(hop.neighbour)
    return (
        torch.stack([hop.neighbour[carries].long(), title[carries]]),
        hop.relation[carries],
        hop.draw.weight[carries],
    )
