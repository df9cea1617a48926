"""A displayed formula without a named numeric test is unfinished: this table names the test of each one."""

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]

ATTENTION, METRICS, REAL = "tests/test_attention.py", "tests/test_metrics.py", "tests/test_real_model.py"
POSITIONS = "tests/test_positions.py"
BPE, WORDPIECE, COSTS, EMBEDDINGS = (f"tests/test_{name}.py" for name in ("tokenization", "wordpiece", "token_costs", "embeddings"))
NGRAMS = "tests/test_ngrams.py"
LEARNING = "tests/test_learning.py"
MASKS, HEADS, ONLINE = (f"tests/test_{name}.py" for name in ("masks", "multi_head", "online_attention"))
RESIDUAL, COUNT = "tests/test_residual.py", "tests/test_count.py"
RECURRENCE = "tests/test_recurrence.py"
TESTED_BY = {
    "1.1": (NGRAMS, "test_probabilities_sum_to_one_after_every_context_seen_or_not"),
    "1.2": (NGRAMS, "test_the_chances_of_all_texts_of_a_length_sum_to_one_by_the_chain_rule"),
    "1.3": (NGRAMS, "test_the_ratio_of_counts_makes_what_was_counted_likeliest"),
    "1.4": (NGRAMS, "test_surprisals_are_those_of_the_probabilities_and_the_first_token_is_given"),
    "1.5": (METRICS, "test_the_loss_is_the_mean_surprise_and_hesitating_between_equals_has_their_number_as_perplexity"),
    "1.6": (METRICS, "test_the_loss_is_the_mean_surprise_and_hesitating_between_equals_has_their_number_as_perplexity"),
    "1.7": (METRICS, "test_bits_per_byte_do_not_depend_on_how_a_text_is_cut"),
    "1.8": (NGRAMS, "test_what_stands_further_back_than_the_order_changes_nothing"),
    "1.9": (NGRAMS, "test_adding_alpha_is_the_ratio_after_as_many_imagined_words"),
    "1.10": (NGRAMS, "test_a_trigram_is_the_formula_with_the_bigram_of_different_words_below_it"),
    "1.11": (NGRAMS, "test_the_exponent_of_a_power_law_is_found_again"),
    "1.12": (METRICS, "test_cross_entropy_is_entropy_plus_divergence_and_equals_torch"),
    "2.1": (LEARNING, "test_a_layer_is_a_row_of_neurons_one_sum_at_a_time"),
    "2.2": (LEARNING, "test_the_output_neuron_adds_up_and_the_sigmoid_makes_a_chance_of_it"),
    "2.3": (LEARNING, "test_the_loss_is_the_surprise_of_the_label_and_equals_torch"),
    "2.4": (LEARNING, "test_the_slope_at_the_output_is_the_chance_minus_the_label"),
    "2.5": (LEARNING, "test_a_small_step_against_the_gradient_lowers_the_loss_by_its_squared_length"),
    "2.6": (LEARNING, "test_the_backward_pass_equals_autograd"),
    "2.7": (LEARNING, "test_finite_differences_agree_and_their_error_falls_with_the_square_of_epsilon"),
    "2.8": (LEARNING, "test_the_loss_over_many_classes_is_the_surprise_of_the_right_one"),
    "2.9": (METRICS, "test_accuracy_is_the_share_on_the_diagonal_and_equals_scikit_learn"),
    "2.10": (METRICS, "test_precision_and_recall_divide_the_same_hits_and_equal_scikit_learn"),
    "2.11": (METRICS, "test_f1_is_the_harmonic_mean_and_equals_scikit_learn"),
    "3.1": (BPE, "test_each_merge_is_the_most_frequent_pair_counted_afresh"),
    "3.2": (BPE, "test_each_merge_is_the_most_frequent_pair_counted_afresh"),
    "3.3": (WORDPIECE, "test_training_by_likelihood_takes_the_pair_with_the_largest_ratio_counted_afresh"),
    "3.4": (COSTS, "test_tokens_per_byte_is_tokens_over_bytes_of_all_texts_together"),
    "3.5": (COSTS, "test_the_premium_is_the_ratio_of_tokens_for_the_same_content"),
    "3.6": (EMBEDDINGS, "test_a_one_hot_row_times_the_table_is_the_row_of_the_table"),
    "3.7": (EMBEDDINGS, "test_the_gradient_of_the_table_is_one_hot_transposed_times_the_gradient_and_equals_autograd"),
    "3.8": (EMBEDDINGS, "test_cosine_is_the_dot_product_over_the_lengths"),
    "4.1": (RECURRENCE, "test_a_step_of_the_plain_network_equals_torch"),
    "4.2": (RECURRENCE, "test_the_product_of_jacobians_equals_autograd"),
    "4.3": (RECURRENCE, "test_the_gradient_through_steps_never_exceeds_the_power_of_the_largest_stretch"),
    "4.4": (RECURRENCE, "test_a_step_of_the_gated_network_equals_torch"),
    "4.5": (RECURRENCE, "test_a_gated_state_lies_between_the_old_one_and_the_proposal_and_an_open_gate_copies_it"),
    "4.6": (RECURRENCE, "test_the_chances_of_all_answers_sum_to_one_letter_by_letter"),
    "4.7": (RECURRENCE, "test_the_weights_are_a_softmax_of_bilinear_scores_and_the_context_their_mixture"),
    "4.8": (RECURRENCE, "test_the_weights_are_a_softmax_of_bilinear_scores_and_the_context_their_mixture"),
    "4.9": (RECURRENCE, "test_the_path_of_a_convolution_is_the_number_of_layers_until_the_gradient_arrives"),
    "4.10": (RECURRENCE, "test_attention_multiplies_less_than_recurrence_until_a_text_is_as_long_as_the_model_is_wide"),
    "5.1": (ATTENTION, "test_sum_form_written_with_loops_equals_the_matrix_form"),
    "5.2": (ATTENTION, "test_softmax_equals_torch_on_any_axis"),
    "5.3": (ATTENTION, "test_attend_equals_torch"),
    "5.4": (ATTENTION, "test_each_score_function_equals_its_formula_for_one_pair"),
    "5.5": (ATTENTION, "test_each_score_function_equals_its_formula_for_one_pair"),
    "5.6": (ATTENTION, "test_each_score_function_equals_its_formula_for_one_pair"),
    "5.7": (ATTENTION, "test_each_score_function_equals_its_formula_for_one_pair"),
    "5.8": (ATTENTION, "test_variance_of_a_dot_product_of_standard_normals_is_its_width"),
    "5.9": (METRICS, "test_entropy_equals_torch_distributions"),
    "5.10": (ATTENTION, "test_softmax_jacobian_equals_autograd"),
    "5.11": (ATTENTION, "test_softmax_backward_is_the_jacobian_times_the_gradient"),
    "5.12": (ATTENTION, "test_attention_gradients_equal_autograd"),
    "5.13": (ATTENTION, "test_attention_gradients_equal_autograd"),
    "5.14": (ATTENTION, "test_attention_gradients_equal_autograd"),
    "5.15": (REAL, "test_our_attention_on_minilms_own_queries_keys_and_values_equals_the_model"),
    "5.16": (REAL, "test_our_attention_on_minilms_own_queries_keys_and_values_equals_the_model"),
    "5.17": (ATTENTION, "test_softmax_is_unchanged_when_a_constant_is_added"),
    "6.1": (MASKS, "test_a_hidden_key_gets_weight_zero_and_the_others_share_as_if_it_were_not_there"),
    "6.2": (MASKS, "test_each_mask_is_its_rule_cell_by_cell"),
    "6.3": (MASKS, "test_reach_is_a_search_through_the_graph_of_who_looks_at_whom"),
    "6.4": (HEADS, "test_the_output_is_a_sum_of_what_each_head_writes"),
    "6.5": (HEADS, "test_multi_head_equals_torchs_layer"),
    "6.6": (HEADS, "test_the_output_is_a_sum_of_what_each_head_writes"),
    "6.7": (HEADS, "test_the_operations_are_those_that_torch_counts"),
    "6.8": (ONLINE, "test_the_exponent_of_a_power_law_is_the_slope_between_logarithms"),
    "6.9": (ONLINE, "test_after_every_tile_the_running_numbers_are_those_of_the_keys_read"),
    "6.10": (ONLINE, "test_tile_by_tile_equals_the_whole_to_1e_12"),
    "6.11": (HEADS, "test_the_caches_bytes_are_those_of_a_cache_that_exists"),
    "7.1": (RESIDUAL, "test_the_stream_at_the_end_is_what_came_in_and_all_that_was_written"),
    "7.2": (RESIDUAL, "test_the_stream_at_the_end_is_what_came_in_and_all_that_was_written"),
    "7.3": (RESIDUAL, "test_the_gradient_of_a_residual_step_is_the_identity_plus_that_of_the_part"),
    "7.4": (RESIDUAL, "test_layer_norm_is_the_formula_one_number_at_a_time_and_equals_torch"),
    "7.5": (RESIDUAL, "test_rms_norm_is_the_formula_one_number_at_a_time_and_equals_torch"),
    "7.6": (RESIDUAL, "test_layer_norm_backward_equals_autograd_and_has_no_part_along_shift_and_stretch"),
    "7.7": (RESIDUAL, "test_pre_norm_leaves_the_stream_alone_and_post_norm_holds_its_size"),
    "7.8": (RESIDUAL, "test_pre_norm_leaves_the_stream_alone_and_post_norm_holds_its_size"),
    "7.9": (RESIDUAL, "test_feed_forward_is_two_matrices_with_a_bend_between_and_each_token_is_alone"),
    "7.10": (RESIDUAL, "test_the_gated_part_of_the_books_model_is_the_formula_one_number_at_a_time"),
    "7.11": (RESIDUAL, "test_variances_of_what_is_written_add_up_and_shrinking_by_the_root_of_their_number_holds_the_stream"),
    "7.12": (COUNT, "test_a_plain_block_has_twelve_squares_of_its_width_and_thirteen_widths_of_biases_and_norms"),
    "7.13": (COUNT, "test_a_token_costs_twice_the_weights_it_meets_and_four_widths_for_each_token_it_looks_at"),
    "8.1": (POSITIONS, "test_softmax_of_shuffled_scores_is_the_shuffled_softmax"),
    "8.2": (POSITIONS, "test_attention_without_positions_is_permutation_equivariant"),
    "8.3": (POSITIONS, "test_sinusoids_equal_the_papers_formula_one_number_at_a_time"),
    "8.4": (POSITIONS, "test_a_wave_is_back_where_it_was_after_its_wavelength"),
    "8.5": (POSITIONS, "test_a_step_of_k_places_is_the_same_rotation_everywhere"),
    "8.6": (POSITIONS, "test_one_matrix_leads_from_every_row_to_the_one_k_places_on"),
    "8.7": (POSITIONS, "test_the_dot_product_of_two_rows_is_a_sum_of_cosines_of_their_distance"),
    "8.8": (POSITIONS, "test_a_score_of_words_with_places_has_four_parts"),
    "9.1": (POSITIONS, "test_each_pair_is_a_complex_number_that_is_turned"),
    "9.2": (POSITIONS, "test_a_turned_query_and_key_meet_as_if_only_the_key_were_turned_by_the_difference"),
    "9.3": (POSITIONS, "test_the_two_pairings_are_one_formula_with_the_columns_reordered"),
    "9.4": (POSITIONS, "test_a_bias_of_distance_is_added_to_the_scores_of_every_head"),
    "9.5": (POSITIONS, "test_buckets_are_those_of_the_formula_one_distance_at_a_time"),
    "9.6": (POSITIONS, "test_each_head_of_alibi_has_a_line_with_a_slope_of_its_own"),
    "9.7": (POSITIONS, "test_interpolation_turns_by_the_position_divided_by_the_scale"),
}


@cache
def displayed_formulas() -> list[str]:
    """What stands between double dollar signs in the Markdown of every lesson."""
    found = []
    for path in sorted((ROOT / "lessons").rglob("[0-9]*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                found += re.findall(r"\$\$(.+?)\$\$", cell.source, re.DOTALL)
    return found


def test_every_displayed_formula_has_a_number():
    assert [formula for formula in displayed_formulas() if not re.search(r"\\tag\{\d+\.\d+\}", formula)] == []


def test_every_number_is_given_once_and_stands_in_the_table():
    numbers = [number for formula in displayed_formulas() for number in re.findall(r"\\tag\{([\d.]+)\}", formula)]
    assert sorted(numbers) == sorted(TESTED_BY)


@cache
def functions_of(file: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("number", TESTED_BY)
def test_the_test_that_the_table_names_exists(number):
    file, name = TESTED_BY[number]
    assert name in functions_of(file)
