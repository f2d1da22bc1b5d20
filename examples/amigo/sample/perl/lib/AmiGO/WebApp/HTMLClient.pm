package AmiGO::WebApp::HTMLClient;

=head1 NAME

AmiGO::WebApp::HTMLClient - the pages below /amigo

=cut

use strict;
use warnings;
use utf8;
use parent 'AmiGO::WebApp';
use AmiGO::Graph;
use AmiGO::Xrefs;

my $ROWS = 20;

sub setup {
    my $self = shift;
    $self->start_mode('landing');
    $self->run_modes(
        landing       => 'landing',
        load_details  => 'load_details',
        search        => 'search',
        medial_search => 'medial_search',
        term          => 'term',
        gene_product  => 'gene_product',
        not_found     => 'unknown_page',
        AUTOLOAD      => 'unknown_page',
    );
    return;
}

sub landing {
    my $self = shift;
    return $self->page('landing', 'AmiGO 2: Welcome', {
        roots  => $self->core->get_root_terms,
        counts => $self->counts,
        script => 'GeneralSearchForwarding.js',
    });
}

# counts says how many documents of each type there are; undef when GOlr is
# away, for the first page is there even then.
sub counts {
    my $self = shift;
    my $found = eval {
        $self->golr->query({ q => '*:*', rows => 0, facet => 'true', 'facet.field' => 'document_category' });
    } or warn "amigo: $@";
    return $found && { @{ $found->{facets}{document_category} || [] } };
}

sub search {
    my $self = shift;
    my $personality = $self->param('personality') || ($self->core->searches)[0];
    my $about = $self->configuration->{$personality} or return $self->not_found("A search for $personality");
    my $text = $self->input('q');
    my $page = int($self->input('page') =~ /^([1-9]\d{0,4})$/ ? $1 : 1);
    my $found = $self->golr->search($personality, $text, rows => $ROWS, start => ($page - 1) * $ROWS);
    return $self->page('search', 'AmiGO 2: Search', {
        personality => $personality,
        about       => $about,
        text        => $text,
        found       => $found,
        number      => $page,
        pages       => int(($found->{total} + $ROWS - 1) / $ROWS),
        script      => 'LiveSearchGOlr.js',
    });
}

# medial_search is where the quick search leads: everything of every type.
sub medial_search {
    my $self = shift;
    my $text = $self->input('q');
    return $self->page('medial_search', 'AmiGO 2: Text Search', {
        text   => $text,
        found  => $self->golr->search(general => $text, rows => $ROWS),
        script => 'GeneralSearchForwarding.js',
    });
}

sub term {
    my $self = shift;
    my $id = $self->param('cls');
    my $golr = $self->golr;
    my $term = $golr->document($id);
    return $self->not_found("The term $id") if !$term || $term->{document_category} ne 'ontology_class';
    my $below = $golr->search(annotation => '',
        fq => [AmiGO::GOlr::fixed(isa_partof_closure => $id)], rows => $self->core->amigo_env('AMIGO_DOWNLOAD_LIMIT') || $ROWS);
    return $self->page('term', qq(AmiGO 2: Term Details for "$term->{annotation_class_label}" ($id)), {
        term         => $term,
        neighborhood => AmiGO::Graph->new($term->{neighborhood_graph_json}),
        found        => $below,
    });
}

sub gene_product {
    my $self = shift;
    my $id = $self->param('gp');
    my $golr = $self->golr;
    my $product = $golr->document($id);
    return $self->not_found("The gene product $id") if !$product || $product->{document_category} ne 'bioentity';
    return $self->page('gene_product', qq(AmiGO 2: Gene Product Details for $product->{bioentity_label} ($id)), {
        product => $product,
        xref    => AmiGO::Xrefs->new($self->core)->url($id),
        found   => $golr->search(annotation => '', fq => [AmiGO::GOlr::fixed(bioentity => $id)], rows => 100),
    });
}

sub load_details {
    my $self = shift;
    my $log = $self->core->amigo_env('AMIGO_WORKING_PATH') . '/golr_timestamp.log';
    return $self->page('load_details', 'AmiGO 2: Load Details', { loads => $self->core->golr_timestamp_log($log) || [] });
}

sub unknown_page { return shift->not_found('This page') }

1;
